"""Works that cards refer to and software that fits use, as BibTeX.

A card names its references in words; an entry is theirs if its title and year stand in them
(:func:`bayes_hr.questions.citing.cite`). Works that describe a source stand with it.
"""

from __future__ import annotations

from typing import Final

REFERENCES: Final = """@book{simmons2009mobilizing,
  author = {Simmons, Beth A.},
  title = {Mobilizing for Human Rights: International Law in Domestic Politics},
  publisher = {Cambridge University Press}, year = {2009}, doi = {10.1017/CBO9780511811340}
}
@incollection{simmons2013ratification,
  author = {Simmons, Beth A.},
  title = {From ratification to compliance: quantitative evidence on the spiral model},
  booktitle = {The Persistent Power of Human Rights: From Commitment to Compliance},
  editor = {Risse, Thomas and Ropp, Stephen C. and Sikkink, Kathryn},
  publisher = {Cambridge University Press}, pages = {43--60}, year = {2013}
}
@article{hathaway2002treaties,
  author = {Hathaway, Oona A.},
  title = {Do Human Rights Treaties Make a Difference?},
  journal = {Yale Law Journal}, volume = {111}, number = {8}, pages = {1935--2042}, year = {2002},
  doi = {10.2307/797642}
}
@article{keith1999covenant,
  author = {Keith, Linda Camp},
  title = {The {United Nations} International Covenant on Civil and Political Rights: Does It Make a
           Difference in Human Rights Behavior?},
  journal = {Journal of Peace Research}, volume = {36}, number = {1}, pages = {95--118}, year = {1999}
}
@article{neumayer2005treaties,
  author = {Neumayer, Eric},
  title = {Do International Human Rights Treaties Improve Respect for Human Rights?},
  journal = {Journal of Conflict Resolution}, volume = {49}, number = {6}, pages = {925--953}, year = {2005}
}
@article{hafnerburton2005paradox,
  author = {Hafner-Burton, Emilie M. and Tsutsui, Kiyoteru},
  title = {Human Rights in a Globalizing World: The Paradox of Empty Promises},
  journal = {American Journal of Sociology}, volume = {110}, number = {5}, pages = {1373--1411}, year = {2005}
}
@article{englehart2014cedaw,
  author = {Englehart, Neil A. and Miller, Melissa K.},
  title = {The {CEDAW} Effect: International Law's Impact on Women's Rights},
  journal = {Journal of Human Rights}, volume = {13}, number = {1}, pages = {22--47}, year = {2014}
}
@article{hill2010estimating,
  author = {Hill, Jr., Daniel W.},
  title = {Estimating the Effects of Human Rights Treaties on State Behavior},
  journal = {Journal of Politics}, volume = {72}, number = {4}, pages = {1161--1174}, year = {2010}
}
@article{schnakenberg2014dynamic,
  author = {Schnakenberg, Keith E. and Fariss, Christopher J.},
  title = {Dynamic Patterns of Human Rights Practices},
  journal = {Political Science Research and Methods}, volume = {2}, number = {1}, pages = {1--31},
  year = {2014}, doi = {10.1017/psrm.2013.15}
}
@article{mundlak1978pooling,
  author = {Mundlak, Yair},
  title = {On the Pooling of Time Series and Cross Section Data},
  journal = {Econometrica}, volume = {46}, number = {1}, pages = {69--85}, year = {1978},
  doi = {10.2307/1913646}
}
@article{nickell1981biases,
  author = {Nickell, Stephen},
  title = {Biases in Dynamic Models with Fixed Effects},
  journal = {Econometrica}, volume = {49}, number = {6}, pages = {1417--1426}, year = {1981},
  doi = {10.2307/1911408}
}
@article{wooldridge2005initial,
  author = {Wooldridge, Jeffrey M.},
  title = {Simple Solutions to the Initial Conditions Problem in Dynamic, Nonlinear Panel Data Models with
           Unobserved Heterogeneity},
  journal = {Journal of Applied Econometrics}, volume = {20}, number = {1}, pages = {39--54}, year = {2005},
  doi = {10.1002/jae.770}
}
@article{weyrauch2021instrumental,
  author = {Weyrauch, David Benjamin and Steinert, Christoph Valentin},
  title = {Instrumental or intrinsic? {Human} rights alignment in intergovernmental organizations},
  journal = {Review of International Organizations}, year = {2021}, doi = {10.1007/s11558-021-09413-5}
}
@article{greenhill2010company,
  author = {Greenhill, Brian},
  title = {The Company You Keep: International Socialization and the Diffusion of Human Rights Norms},
  journal = {International Studies Quarterly}, volume = {54}, number = {1}, pages = {127--145}, year = {2010}
}"""

SOFTWARE: Final = {
    "arviz": (
        "Martin et al. (2026), ArviZ: a modular and flexible library for exploratory analysis of Bayesian "
        "models, Journal of Open Source Software 11(119): 9889, doi:10.21105/joss.09889",
        """@article{martin2026arviz,
  author = {Martin, Osvaldo A. and Abril-Pla, Oriol and Deklerk, Jordan and Axen, Seth D. and Carroll, Colin
            and Hartikainen, Ari and Vehtari, Aki},
  title = {{ArviZ}: a modular and flexible library for exploratory analysis of {Bayesian} models},
  journal = {Journal of Open Source Software}, volume = {11}, number = {119}, pages = {9889}, year = {2026},
  doi = {10.21105/joss.09889}
}""",
    ),
    "pymc": (
        "Abril-Pla et al. (2023), PyMC: a modern, and comprehensive probabilistic programming framework in "
        "Python, PeerJ Computer Science 9: e1516, doi:10.7717/peerj-cs.1516",
        """@article{abrilpla2023pymc,
  author = {Abril-Pla, Oriol and Andreani, Virgile and Carroll, Colin and Dong, Larry
            and Fonnesbeck, Christopher J. and Kochurov, Maxim and Kumar, Ravin and Lao, Junpeng
            and Luhmann, Christian C. and Martin, Osvaldo A. and Osthege, Michael and Vieira, Ricardo
            and Wiecki, Thomas and Zinkov, Robert},
  title = {{PyMC}: a modern, and comprehensive probabilistic programming framework in {Python}},
  journal = {PeerJ Computer Science}, volume = {9}, pages = {e1516}, year = {2023},
  doi = {10.7717/peerj-cs.1516}
}""",
    ),
    "nutpie": (
        "Seyboldt, Carlson & Carpenter (2026), Preconditioning Hamiltonian Monte Carlo by minimizing Fisher "
        "Divergence, arXiv:2603.18845",
        """@misc{seyboldt2026preconditioning,
  author = {Seyboldt, Adrian and Carlson, Eliot L. and Carpenter, Bob},
  title = {Preconditioning {Hamiltonian} {Monte} {Carlo} by minimizing {Fisher} Divergence},
  howpublished = {arXiv:2603.18845}, year = {2026}, url = {https://arxiv.org/abs/2603.18845}
}""",
    ),
}
"""Plain text and BibTeX of the packages that a fit can be computed with."""
