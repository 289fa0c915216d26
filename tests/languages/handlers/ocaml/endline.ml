let () =
  try
    while true do
      print_endline ("{\"echo\":" ^ read_line () ^ "}")
    done
  with End_of_file -> ()
