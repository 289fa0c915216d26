let () =
  try
    while true do
      print_string ("{\"echo\":" ^ input_line stdin ^ "}\n")
    done
  with End_of_file -> ()
