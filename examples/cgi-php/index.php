<?php
$guests = array_filter(array_map('trim', explode(',', $_POST['guests'] ?? '')));
setcookie('last', (string) count($guests));
?>
<!doctype html>
<title>Guests</title>
<ul>
<?php foreach ($guests as $guest) { ?>
<li><?= htmlspecialchars($guest) ?></li>
<?php } ?>
</ul>
