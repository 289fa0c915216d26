<?php
header("Content-Type: text/html; charset=utf-8");
printf("<p>Hello, %s!</p>\n", $_GET["name"]);
