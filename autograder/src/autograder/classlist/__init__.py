"""Who is in the class, and until when each may hand in; knows neither notebooks nor nbgrader."""
