#!/usr/bin/env php
<?php
// Adds up an order, and says the total as people in Germany write it.

$prices = ['apple' => 40, 'pear' => 65]; // runs once, before the first event

while (($line = fgets(STDIN)) !== false) {
    $order = json_decode($line, true, flags: JSON_THROW_ON_ERROR);
    $missing = array_diff_key($order, $prices);
    if ($missing) {
        // An object with errorMessage is this event's error. The process lives on.
        echo json_encode(['errorMessage' => 'no price for ' . key($missing), 'errorType' => 'Order.NoPrice']), "\n";
        continue;
    }
    $cents = 0;
    foreach ($order as $item => $count) {
        $cents += $prices[$item] * $count;
    }
    echo json_encode(['total' => number_format($cents / 100, 2, ',', '.') . ' €'], JSON_UNESCAPED_UNICODE), "\n";
}
