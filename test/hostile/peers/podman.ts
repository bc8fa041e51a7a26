/**
 * What podman, and so containers/storage, makes of images.
 *
 * @module
 */

import { GO } from "./golang.ts";
import type { Peer } from "./peer.ts";

/** What it makes for itself outside, and how it is called. */
const SETUP = `
ulimit -f 300000
mkdir -p /etc/cni/net.d /trees/storage
touch /etc/cni/net.d/cni.lock
before=$(look)
at() {
  GOGC=400 podman --root /trees/storage --runroot /run/storage --storage-driver overlay \\
    --cgroup-manager cgroupfs --events-backend none "$@"
}
`;

/**
 * One process pulls all samples, whose numbers are `$@`, and says in their order why it cannot. An image is named by the path of its
 * layout then.
 */
const PULL = `
code=0
at pull --quiet $(printf 'oci:/samples/%s/layout:it ' "$@") > /tmp/pulled 2> /tmp/errors || code=$?
at image mount $(cat /tmp/pulled) > /tmp/mounted
for n; do
  path=$(sed -n "s,^[^ ]*/samples/$n/layout:[^ ]* *,,p" /tmp/mounted)
  if [ -n "$path" ]; then
    cp -a "$path" /trees/$n/root 2> /tmp/said || sed 's/^/unreadable: /' /tmp/said >> /trees/$n/notes
  else
    read -r line <&3
    echo "$line" > /trees/$n/said
    echo $code > /trees/$n/failed
  fi
done 3< /tmp/errors
watch $n
`;

/** `podman pull`, and `podman image mount`. */
export const PODMAN: Peer = {
  name: "podman",
  leavesOut: ({ title }) =>
    // It reads the holes of a sparse file as zeros, on and on.
    title === "a sparse file of exabytes" ||
    // A type over another one in a lower layer is overlayfs' own work; each layer takes 60 ms.
    title.includes(" → ") && title.endsWith(" layers"),
  script: (samples) => `${SETUP}set -- ${samples.map(([n]) => n).join(" ")}${PULL}`,
  refusal: 125,
  // containers/storage makes the root 0555, whatever layers say of it; ours is what they say.
  passesOver: /^\.$/,
  reasons: [
    ...GO,
    {
      says: /refuses: .*duplicates of file paths not supported/,
      why: "tar-split refuses two entries of one name, which tar appends; the last one counts",
    },
    {
      says: /accepts.*root would be a/,
      why: "it passes over the entry: the root of a container is another than the layer says",
    },
    {
      says: /accepts.*(not a digest|its DiffID is|diff_ids|no layer's|its descriptor says)/,
      why:
        "it takes digests and sizes from the manifest and lets the config and the sizes say what they like; a DiffID that is another one's would poison a store by DiffIDs",
    },
    {
      says: /accepts.*a global header sets path/,
      why: "Go's archive/tar passes global headers over; others would give every entry that name",
    },
    {
      says:
        /(symbolic link|then written through).* \| refuses: .*(no such file or directory|chtimes)/,
      why:
        "it follows links as they are in the chroot of the one layer; what they lead to is made there, as the paths in the image say",
    },
    {
      says:
        /(link leads out by \.\.|lower layer's symbolic link).* \| (only in|way: |lib: |unreadable: .*\/way\/a)/,
      why:
        "each layer is unpacked by itself: an upper layer's directory takes the place of a lower one's link; we follow it, as umoci and containerd do",
    },
    {
      says:
        /^(missing parents that a lower layer has|read-only directories).* \| (a|r|r\/none): mode=/,
      why:
        "a directory that an upper layer only implies gets the mode and the owner of any new one; ours keeps the lower layer's",
    },
    {
      says: /(whiteout|mark|hides).* \| (d|d\/sub): mtime=1700000000\.0+ → mtime=\d+\.\d+$/,
      why:
        "the same with times: that of unpacking for what is only implied, as by a whiteout in it",
    },
    {
      says: /whiteout.* \| unreadable: .*No such file or directory/,
      why:
        "an overlay's directory that no lower layer has shows its whiteouts by name: readdir has ghosts",
    },
    {
      says: /^an opaque root \| only in the second/,
      why: "overlayfs does not look for the mark at the root of a layer; all below is to be hidden",
    },
    {
      says: /(its whiteout|\.wh\.NAME) in one layer.* \| refuses: .*file exists/,
      why:
        "it has one name for both, and fails; a whiteout hides what lower layers hold, never an entry of its own layer",
    },
    {
      says: /^trusted\.overlay\.\* of a layer's own \| only in the first/,
      why: "it keeps the attribute: a layer hides what lower ones hold without a whiteout",
    },
    {
      says:
        /^a hard link to (a lower layer's file|what its layer hides).* \| (refuses|d: |only in)/,
      why:
        "a layer is unpacked by itself, without what lower ones hold; containerd and umoci find the file",
    },
    {
      says: /^(PAX times|base-256).*: mtime=-\S+ → mtime=0\.0+$/,
      why: "times before 1970 become 1970",
    },
    {
      says: /^gzip with zeros behind it.* refuses/,
      why: "Go's compress/gzip wants a member there; gzip(1) passes over zeros",
    },
  ],
};
