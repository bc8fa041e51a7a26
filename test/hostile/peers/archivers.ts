/**
 * What archivers make of layers: each is extracted over the one below, as a person without other tools would do it.
 *
 * @module
 */

import type { Peer, Reason } from "./peer.ts";
import type { Sample } from "./sample.ts";

/** Whiteouts are ordinary files to them: nothing to compare where there is something below to be hidden. */
function leavesOut({ layers }: Sample): boolean {
  if (layers === undefined || layers.some(({ blob }) => blob !== undefined)) return true;
  const text = new TextDecoder("latin1");
  return layers.slice(1).some(({ archive }) => text.decode(archive).includes(".wh."));
}

/** And in the trees they are passed over. */
const passesOver = /(^|\/)\.wh\./;

function extract(program: string): Peer["script"] {
  return (samples) =>
    samples.map(([n, { layers }]) =>
      `mkdir /trees/${n}/root
${
        layers!.map((_, at) =>
          `${program} --directory=/trees/${n}/root --file=/samples/${n}/${at + 1}.tar ` +
          `2>> /trees/${n}/said || echo $? >> /trees/${n}/failed\n`
        ).join("")
      }watch ${n}`
    ).join("\n");
}

/** What both do. */
const BOTH: readonly Reason[] = [
  {
    says: /root \| \.: mode=701 → mode=710/,
    why: "modes of directories are set in the end, in another order than that of the entries",
  },
  {
    says: /refuses: .*(File exists|Can't replace existing directory)/,
    why:
      "a directory that has entries is not removed for something else; in an image the later one counts",
  },
  {
    says:
      /: mtime=1700000000\.0+ → mtime=\d+\.\d+( xattr:(trusted\.overlay|user\.(overlay|lamina))\.\S+)*$/,
    why: "writing into a directory changes its time; in an image no entry does that but its own",
  },
  {
    says: /: - →( xattr:(trusted\.overlay|user\.(overlay|lamina))\.\S+)+$/,
    why:
      "the attribute is nothing special to an archiver; we drop those of overlays and of the store",
  },
  {
    says: /accepts.*the whiteout hides nothing/,
    why: "a whiteout is an ordinary file to an archiver",
  },
  {
    says: /accepts.*number 0:0 would hide/,
    why: "a device is one like any other to an archiver; to an overlay it is a whiteout",
  },
  {
    says: /accepts.*uid 4294967295/,
    why: "chown(2) takes -1 for no change: the file would be whoever's unpacks it",
  },
  {
    says: /accepts.*a global header sets path/,
    why: "they pass that record over; others would give every entry that name",
  },
  {
    says: /accepts.*path holds a NUL/,
    why: "they end the name there: another one than the next reader's",
  },
  {
    says: /accepts.*over the limit file-bytes/,
    why: "they make the hole; whoever reads the file reads 4 PiB",
  },
  {
    says: /accepts.*the map of a sparse file is wrong/,
    why: "what lies twice at one place is what the last part says, or the first",
  },
  {
    says: /accepts.*a single block of zeros/,
    why: "they end there, others go on: two trees out of one archive",
  },
  {
    says: /accepts.*entries of type '.' are not supported/,
    why: "they make a file of what is none",
  },
];

/** GNU tar. */
export const GNU_TAR: Peer = {
  name: "tar",
  leavesOut,
  script: extract(
    "tar --extract --numeric-owner --same-owner --same-permissions --delay-directory-restore " +
      "--xattrs --xattrs-include='*' --warning=no-timestamp",
  ),
  refusal: 2,
  passesOver,
  reasons: [
    ...BOTH,
    {
      says: /^(a file through|two steps|links in a circle).* refuses: tar: \S+: Cannot open/,
      why: "links that lead out are put off to the end, and are no directories until then",
    },
    {
      says:
        /^(a lower layer's link, written through|the same where).* \| (outside|way|only in the first)/,
      why:
        "it follows links that are there when it begins, and writes outside of its directory; ours are followed inside the root",
    },
    {
      says: /accepts.*more than 2048 directories deep/,
      why:
        "2,500 directories within each other cannot be named by any path; ours are bounded by a limit",
    },
    {
      says: /^global headers.* refuses/,
      why: "it does not know that an empty value ends a global record (POSIX, pax)",
    },
    {
      says: /^a sparse file.* s: size=\d+ \S+ → size=/,
      why:
        "it ends the file with the last part of the map; the size that the header says is more, and libarchive and Go go by that",
    },
    {
      says: /accepts.*the tar archive is cut short/,
      why: "it takes that for the end; what is cut short may lack more",
    },
    {
      says: /^a layer of zero bytes.* refuses/,
      why: "to it that is no archive; containerd and umoci take it for an empty one",
    },
    {
      says: /accepts.*setxattr/,
      why: "it warns and goes on without the attribute: the tree is not what the layer says",
    },
  ],
};

/** bsdtar, of libarchive. */
export const BSDTAR: Peer = {
  name: "bsdtar",
  leavesOut,
  script: extract(
    "bsdtar --extract --numeric-owner --same-owner --same-permissions --xattrs --acls",
  ),
  refusal: 1,
  passesOver,
  reasons: [
    ...BOTH,
    {
      says: /refuses: .*Cannot extract through symlink/,
      why: "it never writes through a link; where that leads inside the root, an image means it",
    },
    {
      says: /^an empty name that is a directory.* refuses/,
      why: "a directory without a name is the root, as . is",
    },
    {
      says: /refuses: [^]*user\.x: Unknown error/,
      why:
        "it fails to set a user.* attribute on a link or a fifo; Linux has none there, so nothing is lost without it",
    },
    {
      says: /^a directory's metadata from an entry behind.* d: mtime=77/,
      why: "the time of a directory that was there is not set again after the entries behind",
    },
    {
      says: /^names with newline, colon.* \| only in the/,
      why: "it takes a letter and a colon for a drive of DOS, and cuts them off",
    },
    {
      says: / a: mtime=-2\.75\d* → mtime=-1\.25/,
      why: "-1.25 becomes -0.75: the fraction of a negative time has the wrong sign",
    },
    {
      says: /^global headers.* \| [ab]: /,
      why: "it passes global headers over; POSIX has them count for all entries behind",
    },
    {
      says: /^a record of many megabytes.* refuses/,
      why: "its bound of extended headers is a megabyte; ours is a limit that can be set",
    },
    {
      says: /accepts.*no usable number/,
      why: "it takes what digits there are",
    },
    {
      says: /accepts.*checksum is wrong/,
      why: "it looks for the next header that is right: what is damaged is missing",
    },
    {
      says: /xattr:system\.posix_acl_access=\S* →/,
      why:
        "an ACL has to be in records of its own for it, SCHILY.acl.*; Go's tools write the attribute as the kernel has it",
    },
  ],
};
