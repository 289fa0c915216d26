let () =
  try
    while true do
      print_endline ("{\"echo\":" ^ input_line stdin ^ "}")
    done
  with End_of_file -> ()
