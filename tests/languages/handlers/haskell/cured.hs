import System.IO

main :: IO ()
main = hSetBuffering stdout LineBuffering >> loop

loop :: IO ()
loop = do
  line <- getLine
  putStrLn ("{\"echo\":" ++ line ++ "}")
  loop
