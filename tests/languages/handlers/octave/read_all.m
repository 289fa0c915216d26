printf('{"echo":%s}\n', fread(stdin, Inf, 'char=>char')');
