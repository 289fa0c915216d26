s\" {\"echo\":" type stdin slurp-fid type ." }" cr bye
