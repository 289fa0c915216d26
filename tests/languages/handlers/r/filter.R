cat('{"echo":', paste(readLines(file("stdin")), collapse = ""), '}\n', sep = "")
