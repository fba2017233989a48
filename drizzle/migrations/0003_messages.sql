CREATE TABLE "payments" (
	"order_id" integer PRIMARY KEY NOT NULL,
	"amount_cents" integer NOT NULL,
	"charged_by" text NOT NULL,
	"charged_at" timestamp (3) with time zone DEFAULT now() NOT NULL,
	CONSTRAINT "payments_amount_cents_check" CHECK ("payments"."amount_cents" > 0)
);
--> statement-breakpoint
CREATE TABLE "product_views" (
	"product_id" integer PRIMARY KEY NOT NULL,
	"views" bigint NOT NULL
);
--> statement-breakpoint
CREATE TABLE "dead_letters" (
	"namespace" text NOT NULL,
	"id" text NOT NULL,
	"position" bigint GENERATED ALWAYS AS IDENTITY (sequence name "dead_letters_position_seq" INCREMENT BY 1 MINVALUE 1 MAXVALUE 9223372036854775807 START WITH 1 CACHE 1),
	"kind" text NOT NULL,
	"message" text NOT NULL,
	"error" text NOT NULL,
	"attempts" integer NOT NULL,
	"first_at" timestamp with time zone NOT NULL,
	"last_at" timestamp with time zone NOT NULL,
	"replayed_at" timestamp with time zone,
	CONSTRAINT "dead_letters_pk" PRIMARY KEY("namespace","id")
);
--> statement-breakpoint
CREATE TABLE "idempotency_keys" (
	"namespace" text NOT NULL,
	"id" text NOT NULL,
	"fingerprint" text NOT NULL,
	"claim" text NOT NULL,
	"claimed_until" timestamp with time zone NOT NULL,
	"status" integer,
	"headers" text,
	"body" text,
	"created_at" timestamp with time zone DEFAULT now() NOT NULL,
	CONSTRAINT "idempotency_keys_pk" PRIMARY KEY("namespace","id")
);
--> statement-breakpoint
CREATE TABLE "paused_consumers" (
	"namespace" text PRIMARY KEY NOT NULL,
	"paused_at" timestamp with time zone DEFAULT now() NOT NULL
);
--> statement-breakpoint
CREATE TABLE "processed_messages" (
	"namespace" text NOT NULL,
	"id" text NOT NULL,
	"processed_at" timestamp with time zone DEFAULT now() NOT NULL,
	CONSTRAINT "processed_messages_pk" PRIMARY KEY("namespace","id")
);
--> statement-breakpoint
CREATE INDEX "dead_letters_position_index" ON "dead_letters" USING btree ("namespace","position");--> statement-breakpoint
CREATE INDEX "idempotency_keys_age_index" ON "idempotency_keys" USING btree ("namespace","created_at");--> statement-breakpoint
CREATE INDEX "processed_messages_age_index" ON "processed_messages" USING btree ("namespace","processed_at");