-- Words of the trade.

-- Categories of treatments, as the API and the search name them.
INSERT INTO booking.categories (code, name_da, name_en) VALUES
    ('consultation', 'Konsultation', 'Consultation'),
    ('starter', 'Nye locs', 'Starter locs'),
    ('maintenance', 'Vedligehold', 'Maintenance'),
    ('repair', 'Reparation', 'Repair'),
    ('care', 'Vask og pleje', 'Wash and care'),
    ('colour', 'Farve', 'Colour'),
    ('styling', 'Styling', 'Styling'),
    ('extensions', 'Forlængelse', 'Extensions'),
    ('removal', 'Udredning og fjernelse', 'Removal');

-- Words that mean the same: each word of a line finds the others.
INSERT INTO booking.synonyms (meaning, word)
SELECT meaning, word FROM (VALUES
    ('locs', 'locs loc loks dreads dread dreadlocks dreadlock lokker rasta rastahår'),
    ('maintenance', 'retwist opstramning vedligehold vedligeholdelse maintenance tightening reroll palmrolling'),
    ('interlocking', 'interlocking interlock latching latch nålelåsning'),
    ('crochet', 'crochet hækling hæklet hæklenål'),
    ('starter', 'starter nye begynder babylocs'),
    ('twist', 'twist twists tvist snoning'),
    ('sisterlocks', 'sisterlocks microlocs mikrolocs brotherlocks'),
    ('wash', 'vask vaske hårvask shampoo wash washing shampooing'),
    ('detox', 'detox udrensning dybderens rens cleanse'),
    ('scalp', 'hovedbund hårbund scalp'),
    ('care', 'pleje hårpleje care treatment kur'),
    ('repair', 'reparation reparere repair redning fix knækket broken'),
    ('extensions', 'extensions extension forlængelse forlængning hårforlængelse'),
    ('styling', 'styling opsætning frisure updo hairstyle'),
    ('braids', 'fletning fletninger flet braids braid braiding cornrows'),
    ('removal', 'fjernelse udredning removal detangling combout'),
    ('colour', 'farve hårfarve farvning colour color dye toning blegning bleach'),
    ('children', 'barn børn børnehår child children kids kid'),
    ('consultation', 'konsultation rådgivning samtale consultation advice'),
    ('beard', 'skæg beard')
) AS meanings (meaning, words), unnest(string_to_array(words, ' ')) AS word;
