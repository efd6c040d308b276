"""`/watch`: a page that plays the videos of the catalogue, with the player package `clients/js`."""
