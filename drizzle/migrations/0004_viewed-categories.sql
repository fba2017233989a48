CREATE TABLE "viewed_categories" (
	"user_id" text NOT NULL,
	"category_id" integer NOT NULL,
	"viewed_at" timestamp (3) with time zone DEFAULT now() NOT NULL,
	CONSTRAINT "viewed_categories_user_id_category_id_pk" PRIMARY KEY("user_id","category_id")
);
