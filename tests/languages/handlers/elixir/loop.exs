for line <- IO.stream(:stdio, :line) do
  IO.puts("{\"echo\":#{String.trim(line)}}")
end
