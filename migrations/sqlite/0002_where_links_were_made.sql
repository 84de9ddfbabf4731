-- Where a link was made, so that it is described there and nowhere else. An address as JSON.
ALTER TABLE link ADD COLUMN made_in TEXT;
