#!/bin/sh
# The JVM takes this process's place. The options make it start sooner.
exec java -XX:TieredStopAtLevel=1 -XX:+UseSerialGC -cp "${0%/*}" Handler
