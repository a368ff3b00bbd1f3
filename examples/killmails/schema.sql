-- The tables of a site that shows EVE Online killmails; running it again changes nothing.
-- No foreign keys: such a site loads in bulk, in any order, and some killmails never get their victim.

CREATE TABLE IF NOT EXISTS killmails (
    killmail_id      bigint PRIMARY KEY,
    killmail_time    timestamptz NOT NULL,
    solar_system_id  integer NOT NULL,
    war_id           integer,
    total_value      numeric(20, 2),
    destroyed_value  numeric(20, 2),
    dropped_value    numeric(20, 2),
    updated_at       timestamptz NOT NULL DEFAULT now()
);

CREATE INDEX IF NOT EXISTS killmails_total_value_idx ON killmails (total_value);
CREATE INDEX IF NOT EXISTS killmails_solar_system_id_killmail_time_idx ON killmails (solar_system_id, killmail_time);

CREATE TABLE IF NOT EXISTS victims (
    killmail_id     bigint PRIMARY KEY,
    ship_type_id    integer NOT NULL,
    character_id    bigint,
    corporation_id  bigint,
    alliance_id     bigint,
    damage_taken    bigint
);

CREATE INDEX IF NOT EXISTS victims_ship_type_id_idx ON victims (ship_type_id);
CREATE INDEX IF NOT EXISTS victims_character_id_idx ON victims (character_id);

-- One row an item line, containers flattened; the same type may be there many times.
CREATE TABLE IF NOT EXISTS killmail_items (
    killmail_id         bigint NOT NULL,
    item_type_id        integer NOT NULL,
    flag                smallint NOT NULL,
    singleton           smallint NOT NULL DEFAULT 0,
    quantity_dropped    bigint CHECK (quantity_dropped >= 0),
    quantity_destroyed  bigint CHECK (quantity_destroyed >= 0)
);

CREATE INDEX IF NOT EXISTS killmail_items_killmail_id_idx ON killmail_items (killmail_id);

CREATE TABLE IF NOT EXISTS market_prices (
    type_id     integer PRIMARY KEY,
    sell        numeric(20, 2) NOT NULL CHECK (sell >= 0),
    updated_at  timestamptz NOT NULL DEFAULT now()
);
