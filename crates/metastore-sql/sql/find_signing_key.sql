select key from signing_key where realm = $1 and algorithm = $2
