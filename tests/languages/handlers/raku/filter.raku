say '{"echo":' ~ slurp() ~ '}';
