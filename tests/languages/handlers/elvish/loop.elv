from-lines | each {|event|
  echo '{"echo":'$event'}'
}
