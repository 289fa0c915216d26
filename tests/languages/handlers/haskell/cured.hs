import System.IO

main :: IO ()
main = hSetBuffering stdout LineBuffering >> loop

loop :: IO ()
loop = do
  done <- isEOF
  if done
    then return ()
    else do
      line <- getLine
      putStrLn ("{\"echo\":" ++ line ++ "}")
      loop
