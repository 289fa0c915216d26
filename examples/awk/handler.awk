#!/usr/bin/awk -f
# Adds up the bytes of all objects in an S3 event: every number that stands behind "size".
BEGIN { RS = "[{},]"; FS = ":" }
$1 ~ /"size"/ { bytes += $2 }
END { printf "%.0f\n", bytes }
