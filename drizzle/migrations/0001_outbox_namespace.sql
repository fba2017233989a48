DROP INDEX "outbox_open_index";--> statement-breakpoint
ALTER TABLE "outbox" ADD COLUMN "namespace" text DEFAULT 'strata' NOT NULL;--> statement-breakpoint
ALTER TABLE "outbox" ADD COLUMN "lag_ms" integer DEFAULT 0 NOT NULL;--> statement-breakpoint
CREATE INDEX "outbox_open_index" ON "outbox" USING btree ("namespace","id") WHERE "outbox"."number" is null;