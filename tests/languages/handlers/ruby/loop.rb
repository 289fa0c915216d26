while line = $stdin.gets
  puts "{\"echo\":#{line.chomp}}"
end
