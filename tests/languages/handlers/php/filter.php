<?php
echo '{"echo":' . file_get_contents('php://stdin') . "}\n";
