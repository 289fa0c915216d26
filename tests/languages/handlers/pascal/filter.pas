{$H+}
program handler;
var line, event: string;
begin
  event := '';
  while not eof do begin
    readln(line);
    event := event + line;
  end;
  writeln('{"echo":', event, '}');
end.
