       identification division.
       program-id. handler.
       environment division.
       input-output section.
       file-control.
           select requests assign to keyboard
               organization line sequential.
       data division.
       file section.
       fd requests record varying from 1 to 2000000
           depending on request-size.
       01 request pic x(2000000).
       working-storage section.
       01 request-size pic 9(7) comp-5.
       01 done pic 9 value 0.
       procedure division.
           open input requests
           perform until done = 1
               read requests
                   at end move 1 to done
                   not at end
                       display '{"echo":' request(1:request-size) '}'
               end-read
           end-perform
           stop run.
