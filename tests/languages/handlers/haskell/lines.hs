main :: IO ()
main = interact (unlines . map (\line -> "{\"echo\":" ++ line ++ "}") . lines)
