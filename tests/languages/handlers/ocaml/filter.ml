let () =
  let event = Buffer.create 65536 in
  (try
     while true do
       Buffer.add_channel event stdin 1
     done
   with End_of_file -> ());
  print_string ("{\"echo\":" ^ Buffer.contents event ^ "}\n")
