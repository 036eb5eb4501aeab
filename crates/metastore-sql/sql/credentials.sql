select s.principal_id, e.name, s.client_id, s.main_hash, s.secondary_hash, s.salt
from principal_secret s
join entity e on e.realm = s.realm and e.id = s.principal_id
where s.realm = $1 and s.client_id = $2
