CREATE TABLE "live_events" (
	"id" bigint PRIMARY KEY GENERATED ALWAYS AS IDENTITY (sequence name "live_events_id_seq" INCREMENT BY 1 MINVALUE 1 MAXVALUE 9223372036854775807 START WITH 1 CACHE 1),
	"namespace" text NOT NULL,
	"topic" text NOT NULL,
	"channel" text,
	"message" text NOT NULL,
	"created_at" timestamp with time zone DEFAULT now() NOT NULL,
	CONSTRAINT "live_events_message_check" CHECK (length("live_events"."message") <= 1024)
);
--> statement-breakpoint
CREATE INDEX "live_events_topic_index" ON "live_events" USING btree ("namespace","topic","id");