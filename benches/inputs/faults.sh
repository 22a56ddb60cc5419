#!/usr/bin/env bash
# What a run does when the system fails under it: faults.sh RADLOOM MANIFEST FILE
# FILE is one of the corpus's files, relative to its root. Errors of the system are injected into its being opened (needs strace), the
# number of open files is limited, and the disk is full at ten sizes (needs root, for a small tmpfs). Each time the same command must
# give the release of an undisturbed run afterwards, byte for byte.
set -u
radloom=$1 manifest=$2 file=$3
work=$(mktemp -d)
trap 'umount "$work/disk" 2>/dev/null; rm -rf "$work"' EXIT
run() { "$radloom" curate "$manifest" --out "$1" --threads 1 >/dev/null 2>"$work/errors"; }
judge() { # NAME CODE OUT
    local last
    last=$(tail -1 "$work/errors" | cut -c1-100)
    run "$3"
    local again=$?
    cmp -s "$work/whole/release/SHA256SUMS" "$3/release/SHA256SUMS" && local same=same || local same=OTHER
    printf '%-18s code %s, then %s and the release is %s: %s\n' "$1" "$2" "$again" "$same" "$last"
}
run "$work/whole" || { cat "$work/errors"; exit 1; }
path=$(dirname "$manifest")/corpus/$file
for error in EACCES EIO EMFILE ENOENT ESTALE; do
    for when in 1 3; do
        rm -rf "$work/out"
        strace -f -qq -o /dev/null -P "$path" -e trace=openat -e inject=openat:error=$error:when=$when+ \
            "$radloom" curate "$manifest" --out "$work/out" --threads 1 >/dev/null 2>"$work/errors"
        judge "$error from open $when" $? "$work/out"
    done
done
for files in 6 8 10 12; do
    rm -rf "$work/out"
    (ulimit -n $files && run "$work/out")
    judge "$files open files" $? "$work/out"
done
mkdir "$work/disk"
for size in 8 16 24 32 48 64 80 96 112 128; do
    mount -t tmpfs -o size=${size}k tmpfs "$work/disk" || exit 1
    run "$work/disk/out"
    code=$?
    mount -o remount,size=20m "$work/disk"
    judge "disk of $size KiB" $code "$work/disk/out"
    umount "$work/disk"
done
