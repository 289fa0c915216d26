puts "{\"echo\":#{$stdin.read}}"
