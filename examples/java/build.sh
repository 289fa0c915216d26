#!/bin/sh
set -eu
javac --release 17 Handler.java
