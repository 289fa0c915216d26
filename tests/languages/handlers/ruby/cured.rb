$stdout.sync = true
while line = $stdin.gets
  puts "{\"echo\":#{line.chomp}}"
end
