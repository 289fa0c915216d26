#!/bin/sh
# php-cgi wants to be told its script, and that a server has started it.
export SCRIPT_FILENAME="${0%/*}/index.php" REDIRECT_STATUS=200
exec php-cgi -d expose_php=0
