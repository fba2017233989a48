CREATE TABLE "shop_settings" (
	"id" integer PRIMARY KEY DEFAULT 1 NOT NULL,
	"shop_name" text DEFAULT 'Strata' NOT NULL,
	"currency" text DEFAULT 'EUR' NOT NULL,
	"free_shipping_cents" integer DEFAULT 5000 NOT NULL,
	"announcement" text DEFAULT '' NOT NULL,
	"updated_at" timestamp (3) with time zone DEFAULT now() NOT NULL,
	CONSTRAINT "shop_settings_one_row_check" CHECK ("shop_settings"."id" = 1),
	CONSTRAINT "shop_settings_free_shipping_cents_check" CHECK ("shop_settings"."free_shipping_cents" >= 0)
);
--> statement-breakpoint
ALTER TABLE "users" ADD COLUMN "login_count" integer DEFAULT 0 NOT NULL;--> statement-breakpoint
ALTER TABLE "users" ADD COLUMN "last_login_at" timestamp (3) with time zone;--> statement-breakpoint
CREATE INDEX "users_login_count_index" ON "users" USING btree ("login_count" DESC NULLS FIRST,"id");--> statement-breakpoint
INSERT INTO "shop_settings" DEFAULT VALUES;