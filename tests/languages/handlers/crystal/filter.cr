puts "{\"echo\":#{STDIN.gets_to_end}}"
