"""What we assert to other authorization servers: ``issue_id_jag`` makes identity assertions."""
