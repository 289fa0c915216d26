main :: IO ()
main = interact (\event -> "{\"echo\":" ++ event ++ "}\n")
