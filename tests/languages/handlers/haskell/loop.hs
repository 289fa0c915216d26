main :: IO ()
main = do
  line <- getLine
  putStrLn ("{\"echo\":" ++ line ++ "}")
  main
