while read event
    echo "{\"echo\":$event}"
end
