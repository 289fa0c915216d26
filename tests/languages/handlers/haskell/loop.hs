import System.IO

main :: IO ()
main = do
  done <- isEOF
  if done
    then return ()
    else do
      line <- getLine
      putStrLn ("{\"echo\":" ++ line ++ "}")
      main
