{$H+}
program handler;
var line: string;
begin
  while not eof do begin
    readln(line);
    writeln('{"echo":', line, '}');
  end;
end.
