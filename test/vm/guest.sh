# Runs in the guest of verity_test.ts. `check NAME COMMAND…` (test/support/vm.ts) runs a command and reports its status and output; what
# they should be, the test says. Before this stand MODE (of --verity), OBJECT (of /usr/huge, in the store) and WITH_LAMINA.

# measure FILE: makes it an fs-verity file and prints the digest that the kernel computed.
measure() { fsverity enable "$1" && fsverity measure "$1"; }

# flip FILE OFFSET: changes a bit of a file on the data disk, past the filesystem, as a bad disk or a thief of disks does.
flip() {
  umount /data || return
  flip_block=$(debugfs -R "bmap /${1#/data/} $(($2 / 4096))" /dev/vdb 2>/dev/null)
  flip_at=$((flip_block * 4096 + $2 % 4096))
  flip_old=$(dd if=/dev/vdb bs=1 skip=$flip_at count=1 2>/dev/null | od -An -tu1)
  # shellcheck disable=SC2059 # The byte is the format.
  printf "\\$(printf %03o $((flip_old ^ 1)))" | dd of=/dev/vdb bs=1 seek=$flip_at conv=notrunc,fsync 2>/dev/null
  mount -t ext4 /dev/vdb /data && [ "$flip_block" -gt 0 ]
}

# contents DIR: the SHA-256 of every file, by path.
contents() { cd "$1" && find . -type f | sort | xargs -r sha256sum; }

# mounts: what would be left of a composition: mounts, and loop devices with their files.
mounts() { grep -E '(overlay|erofs) ' /proc/mounts; cat /sys/block/loop*/loop/backing_file 2>/dev/null; true; }

# attempt NAME: composes, reads all and releases.
attempt() {
  check "$1-compose" lamina compose demo /target --strategy composefs --access ro --verity "$MODE"
  check "$1-read" contents /target
  check "$1-mounts" mounts
  lamina release /target >/dev/null 2>&1
}

for sample in /samples/*; do check "digest-${sample##*/}" measure "$sample"; done

cp /samples/5000000 /data/sample
check rig-measure measure /data/sample
check rig-flip flip /data/sample 3000000
check rig-read md5sum /data/sample

[ "$WITH_LAMINA" = yes ] || exit 0
export LAMINA_ROOT=/data/store
check pull lamina pull oci:/image:v1 --name demo
if [ "$MODE" != require ]; then
  check require lamina compose demo /target --strategy composefs --access ro --verity require
  check require-mounts mounts
fi
attempt intact
check released mounts
tree=$(ls /data/store/trees/*.erofs)

check object-flip flip "$OBJECT" 200000
attempt object
check object-back flip "$OBJECT" 200000

check image-flip flip "$tree" 1030
attempt image
check image-back flip "$tree" 1030

attempt again

# Two metadata images, the upper one with whiteouts: both sealed, and read through one overlay.
check layered-compose lamina compose demo /target --strategy composefs --layout layered --access ro --verity "$MODE"
check layered-read contents /target
lamina release /target >/dev/null 2>&1

# The layers themselves.
check layers sh -c 'cat /data/store/layers/sha256/*/layer.json'
check overlay-compose lamina compose demo /target --strategy overlay --access ro
check overlay-read contents /target
lamina release /target >/dev/null 2>&1

if [ "$MODE" = require ]; then
  mv "$OBJECT" /data/kept && tr B C </data/kept >"$OBJECT"
  attempt replaced-object
  rm "$OBJECT" && mv /data/kept "$OBJECT"

  mv "$tree" /data/kept && sed s/small/SMALL/ /data/kept >"$tree"
  attempt replaced-image
fi
