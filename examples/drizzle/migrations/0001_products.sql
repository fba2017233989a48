CREATE TABLE products (id INTEGER PRIMARY KEY, name TEXT NOT NULL, stock INTEGER NOT NULL);
INSERT INTO products (id, name, stock) VALUES (7, 'Kettle', 4), (8, 'Toaster', 2);
