<?php
while (($line = fgets(STDIN)) !== false) {
    echo '{"echo":' . trim($line) . "}\n";
}
