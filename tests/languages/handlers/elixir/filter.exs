IO.puts("{\"echo\":#{IO.read(:stdio, :eof)}}")
