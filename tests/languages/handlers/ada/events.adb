with Ada.Text_IO; use Ada.Text_IO;
procedure Events is
begin
   while not End_Of_File loop
      Put_Line ("{""echo"":" & Get_Line & "}");
   end loop;
end Events;
