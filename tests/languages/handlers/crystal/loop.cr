while line = gets
  puts "{\"echo\":#{line}}"
end
