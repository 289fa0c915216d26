let () =
  try
    while true do
      Printf.printf "{\"echo\":%s}\n%!" (input_line stdin)
    done
  with End_of_file -> ()
